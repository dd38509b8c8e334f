"""What goes on inside a model, as pictures: computed once as plain data, drawn anywhere."""
