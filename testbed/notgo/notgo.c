/* A program that is not Go: a reader of Go heaps must say so, and nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
	char *heap = malloc(1 << 20);
	if (heap == NULL)
		return 3;
	memset(heap, 1, 1 << 20);
	puts("{\"program\":\"notgo\"}");
	puts("READY");
	fflush(stdout);
	while (getchar() != EOF)
		continue;
	free(heap);
	return 0;
}
