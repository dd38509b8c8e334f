"""What several commands need: options, how text is written, how results are drawn. No command of its own."""
