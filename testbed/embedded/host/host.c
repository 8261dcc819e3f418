/* The host in C of the Go code in embedded: one thread is inside Go, one has been there, and the first holds all still. */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void Begin(int);
extern void Park(void);
extern int Pass(void);
extern void Stay(char *);

static sem_t passed;

static void *park(void *unused) {
	Park();
	return unused;
}

static void *pass(void *unused) {
	Pass();
	sem_post(&passed);
	for (;;)
		pause();
	return unused;
}

/* The first half of the memory is written. */
static char *buffer;

int main(int argc, char **argv) {
	pthread_t threads[2];
	char *name = strrchr(argv[0], '/');
	(void)argc;
	buffer = malloc(1 << 20);
	if (buffer == NULL || sem_init(&passed, 0, 0) != 0)
		return 3;
	memset(buffer, 1, 1 << 19);
	Begin(1);
	if (pthread_create(&threads[0], NULL, park, NULL) != 0 || pthread_create(&threads[1], NULL, pass, NULL) != 0)
		return 3;
	sem_wait(&passed);
	Stay(name == NULL ? argv[0] : name + 1);
	return 0;
}
