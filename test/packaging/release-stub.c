/* A release as far as install.sh asks for one: it is an executable of its own, so that /proc/PID/exe says which version runs. At SIGUSR2
   it starts what lies in its place, which becomes the service's main process, as the real one does. VERSION is given at compile time. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static volatile sig_atomic_t asked;

static void on_signal(int number) {
  (void)number;
  asked = 1;
}

static const char *in_stub(const char *name) {
  static char paths[4][4096];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, 4096, "%s/%s", getenv("STUB"), name);
  return path;
}

static int main_pid(void) {
  int pid = 0;
  FILE *file = fopen(in_stub("pid"), "r");
  if (file == NULL) return 0;
  if (fscanf(file, "%d", &pid) != 1) pid = 0;
  fclose(file);
  return pid;
}

static void become_main(void) {
  FILE *file = fopen(in_stub("pid.new"), "w");
  fprintf(file, "%d\n", (int)getpid());
  fclose(file);
  rename(in_stub("pid.new"), in_stub("pid"));
}

static int record(int beside) {
  int was_main = 0;
  signal(SIGUSR2, on_signal);
  if (beside) become_main();
  while (access(in_stub("root"), F_OK) == 0 && access(in_stub("over"), F_OK) != 0) {
    usleep(5000);
    if (main_pid() == getpid()) was_main = 1;
    else if (was_main) return 0;
    if (!asked) continue;
    asked = 0;
    if (fork() == 0) {
      setsid();
      execl(in_stub("root/opt/rt-data/bin/rt-data"), "rt-data", "record", "beside", (char *)NULL);
      _exit(127);
    }
  }
  return 0;
}

static int upgrade(void) {
  int before = main_pid();
  if (before == 0 || kill(before, SIGUSR2) != 0) return 1;
  for (int n = 0; n < 2000; n++) {
    usleep(5000);
    if (main_pid() != before) return 0;
  }
  fprintf(stderr, "not upgraded: it does not take over\n");
  return 1;
}

int main(int count, char **words) {
  const char *verb = count > 1 ? words[1] : "";
  const char *topic = count > 2 ? words[2] : "";
  if (strcmp(verb, "--version") == 0) return printf("rt-data %s\n", VERSION) < 0;
  if (strcmp(verb, "record") == 0) return record(strcmp(topic, "beside") == 0);
  if (strcmp(verb, "upgrade") == 0) return upgrade();
  if (strcmp(verb, "check") == 0) return main_pid() == 0 && strcmp(topic, "--ready") == 0;
  if (strcmp(verb, "ops") != 0) return 2;
  if (strcmp(topic, "systemd") == 0) {
    printf("# unit of %s\n[Service]\nExecStart=/opt/rt-data/bin/rt-data record --config \"%s\"\n", VERSION, words[count - 1]);
    printf("LoadCredential=telegram_token:/etc/rt-data/credentials/telegram_token\n");
  } else {
    printf("# %s of %s\n", topic, VERSION);
  }
  return 0;
}
