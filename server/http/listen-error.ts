import { messageOf, OperatorError } from "../problem.ts";

/** The address could not be bound. `code` is the system's (`EADDRINUSE`, `EACCES`, …); the message says what to do. */
export class ListenError extends OperatorError {
  readonly code: string;

  constructor(host: string, port: number, cause: unknown) {
    const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "unknown";
    const reason = messageOf(cause);
    super(`cannot listen on ${host}:${port}: ${hints[code] ?? `${reason}; check http.host and http.port`}`, { cause });
    this.code = code;
  }
}

const hints: Record<string, string> = {
  EADDRINUSE: "the port is taken by another program; stop it, or set http.port to a free one",
  EACCES: "ports below 1024 need a privilege; set http.port to a higher one, with a proxy such as nginx in front",
  EADDRNOTAVAIL: "this machine has no such address; set http.host to one of its own, such as 127.0.0.1",
};
