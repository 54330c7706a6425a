import { until } from "../wait.ts";

/** What a service was told, datagram by datagram, in order. */
export type NotifySocket = {
  readonly received: readonly string[];
  close(): void;
};

/** Python has what neither Node nor Bun can open: a Unix socket for datagrams, as systemd listens on one. */
const receiver = `
import json, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
address = sys.argv[1]
listener.bind("\\0" + address[1:] if address.startswith("@") else address)
print(json.dumps("listening"), flush=True)
while True:
    print(json.dumps(listener.recv(65536).decode()), flush=True)
`;

/** True where a Python can be had. */
export const hasPython: boolean = Bun.which("python3") !== null;

/** Listens as systemd does; `address` is a path, or `@name` for an abstract socket. */
export async function listenForNotify(address: string): Promise<NotifySocket> {
  const child = Bun.spawn(["python3", "-c", receiver, address], { stdout: "pipe", stderr: "inherit" });
  const received: string[] = [];
  let isListening = false;
  void (async () => {
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      text += decoder.decode(chunk, { stream: true });
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        if (isListening) received.push(JSON.parse(line) as string);
        isListening = true;
      }
    }
  })();
  await until(() => isListening || child.exitCode !== null, "the socket that systemd would have");
  if (child.exitCode !== null) throw new Error(`python3 ended with ${child.exitCode}`);
  return { received, close: () => child.kill() };
}
