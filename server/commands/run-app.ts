import type { App } from "../app/app.ts";
import type { Log } from "../log.ts";
import { notifyService } from "../service-notify.ts";
import type { Terminal } from "./command.ts";

/** How long a clean stop may take, ms; what is not sealed by then stays as plain lines and is sealed at the next start. */
export const stopMs = 9000;

/** Starts the app, waits until the process is asked to stop, and stops it. Resolves with the exit code. */
export async function runApp(
  app: App,
  terminal: Terminal,
  log: Log,
  banner: (url: string) => readonly string[],
): Promise<number> {
  const stopped = new Promise<void>((resolve) => {
    if (terminal.stop.aborted) resolve();
    terminal.stop.addEventListener("abort", () => resolve(), { once: true });
  });
  terminal.onFault(app.noteFault);
  const { url } = await app.start();
  notifyService("READY=1\nSTATUS=waiting for the first data");
  for (const line of banner(url)) terminal.print(line);
  await stopped;
  notifyService("STOPPING=1\nSTATUS=writing and sealing what there is");
  log.info("stopping: writing and sealing what there is (a second signal ends at once)");
  await app.stop(stopMs);
  log.info("stopped");
  return 0;
}
