import { commands, otherWords } from "./cli/commands.ts";
import { columns, helpOf, readFlags } from "./cli/framework/command.ts";
import { about } from "./cli/man.ts";
import { didYouMean } from "./platform/did-you-mean.ts";
import { OperatorError } from "./platform/errors.ts";
import { priorityOf } from "./platform/log/log-format.ts";
import { underJournal } from "./platform/process/environment.ts";
import { version } from "./platform/process/version.ts";
import { explain } from "./platform/system-errors.ts";
import type { Channel } from "./upgrade/protocol.ts";

/** Exit codes: 0 success, 1 failure while running, 2 a problem that the operator can fix. */
process.exit(await main(process.argv.slice(2)));

async function main(words: readonly string[]): Promise<number> {
  const stop = stopSignal();
  try {
    const [verb = "--help", ...rest] = words;
    if (["--version", "-v", "-V"].includes(verb)) return print(`rt-data ${version}`);
    if (verb === "help" || verb === "--help" || verb === "-h") return print(help(rest[0]));
    const command = commands.find(({ name }) => name === verb);
    if (command === undefined) throw new OperatorError(unknownCommand(verb));
    const flags = readFlags(
      command,
      rest.map((word) => (word === "-h" ? "--help" : word)),
    );
    if (flags.help !== undefined) return print(helpOf(command));
    return await command.run(flags, {
      print,
      isInteractive: process.stderr.isTTY,
      stop,
      onReload,
      onUpgrade,
      onFault,
      predecessor: predecessor(),
    });
  } catch (error) {
    const mark = underJournal() ? priorityOf.error : "";
    process.stderr.write(`${mark}rt-data: ${explain(error).replaceAll("\n", `\n${mark}`)}\n`);
    return error instanceof OperatorError ? 2 : 1;
  }
}

/** Returns a signal that the first SIGINT or SIGTERM aborts. The second ends the process at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(name === "SIGINT" ? 130 : 143);
      controller.abort();
    });
  }
  return controller.signal;
}

/** Calls the listener on SIGHUP, which requests a reload of the config. Without a listener SIGHUP ends the process. */
function onReload(listener: () => void): void {
  process.on("SIGHUP", listener);
}

/** Reports uncaught errors to the listener, so that they do not end a process that is recording. */
function onFault(listener: (part: string, error: unknown) => void): void {
  process.on("uncaughtException", (error) => listener("uncaught error", error));
  process.on("unhandledRejection", (error) => listener("unhandled rejection", error));
}

/** Calls the listener on SIGUSR2, which requests an upgrade to the executable that is now at our path. */
function onUpgrade(listener: () => void): void {
  process.on("SIGUSR2", listener);
}

/** Returns the channel to the parent recorder if an upgrade started this process, else null. */
function predecessor(): Channel | null {
  if (process.send === undefined) return null;
  return {
    send(message) {
      // `onClose` reports the end of the parent, so a late message is dropped.
      if (process.connected) process.send?.(message);
    },
    onMessage: (listener) => void process.on("message", listener),
    onClose: (listener) => void process.on("disconnect", listener),
  };
}

function print(line: string): 0 {
  process.stdout.write(`${line}\n`);
  return 0;
}

function help(verb: string | undefined): string {
  const command = commands.find(({ name }) => name === verb);
  if (command !== undefined) return helpOf(command);
  if (verb !== undefined && !verb.startsWith("-")) throw new OperatorError(unknownCommand(verb));
  return [
    about,
    "",
    "Commands",
    ...columns(commands.map(({ name, summary }) => [name, summary] as const)),
    "",
    "rt-data COMMAND --help shows the flags of a command, with examples.",
  ].join("\n");
}

function unknownCommand(verb: string): string {
  if (verb.startsWith("-"))
    return `the command is missing before ${verb}: flags follow it, as in rt-data record ${verb}. See rt-data --help`;
  const names = commands.map(({ name }) => name);
  const word = Object.hasOwn(otherWords, verb) ? otherWords[verb] : undefined;
  if (word !== undefined) return `unknown command "${verb}" (did you mean "${word}"?). See rt-data --help`;
  return `unknown command "${verb}"${didYouMean(verb, names)}; commands: ${names.join(", ")}. See rt-data --help`;
}
