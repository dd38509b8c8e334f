import heapq

def encode(word, merges):
    rank = {}
    for n, (a, b) in enumerate(merges):
        rank.setdefault((a, b), n)
    left, right, text = list(range(-1, len(word) - 1)), list(range(1, len(word) + 1)), list(word)
    heap = [(rank[a, b], i, a, b) for i, (a, b) in enumerate(zip(word, word[1:])) if (a, b) in rank]
    heapq.heapify(heap)
    while heap:
        r, i, a, b = heapq.heappop(heap)
        j = right[i]
        if text[i] != a or j >= len(word) or text[j] != b:
            continue
        text[i], text[j] = a + b, None
        right[i] = right[j]
        if right[j] < len(word):
            left[right[j]] = i
        for x, y in ((left[i], i), (i, right[i])):
            if 0 <= x and y < len(word) and (text[x], text[y]) in rank:
                heapq.heappush(heap, (rank[text[x], text[y]], x, text[x], text[y]))
    return [t for t in text if t is not None]
