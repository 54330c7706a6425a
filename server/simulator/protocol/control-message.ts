/** A request that a client sent over its socket, understood. */
export type ControlRequest =
  | { readonly method: "SUBSCRIBE" | "UNSUBSCRIBE"; readonly streams: readonly string[] }
  | { readonly method: "LIST_SUBSCRIPTIONS" }
  | { readonly method: "SET_PROPERTY"; readonly combined: boolean }
  | { readonly method: "GET_PROPERTY" };

/** Echoed in the reply as it came: an integer of 64 bits, a short text, or null. */
export type RequestId = bigint | string | null;

/** The result of parsing a text frame. */
export type ControlParse =
  | { readonly outcome: "request"; readonly id: RequestId; readonly request: ControlRequest }
  | { readonly outcome: "error"; readonly id: RequestId; readonly code: number; readonly msg: string }
  | { readonly outcome: "not JSON" };

const methods = ["SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY"];

/**
 * Reads one text frame. Codes as documented: 0 unknown property, 1 wrong value type, 2 invalid request.
 * Source: binance-spot-api-docs, web-socket-streams.md, "Live Subscribing/Unsubscribing to streams" and "Error Messages".
 */
export function parseControl(text: string): ControlParse {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { outcome: "not JSON" };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return invalid(null, "Invalid request: expected a JSON object");
  }
  const { method, params, id: given = null } = value as Record<string, unknown>;
  const id = parseId(given, text);
  if (id === undefined) return invalid(null, "Invalid request: request ID must be an unsigned integer");
  if (method === undefined) return invalid(id, `Invalid request: missing field \`method\`${at(text)}`);
  if (typeof method !== "string" || !methods.includes(method)) {
    const variants = methods.map((name) => `\`${name}\``).join(", ");
    return invalid(id, `Invalid request: unknown variant \`${method}\`, expected one of ${variants}${at(text)}`);
  }
  return parseParameters(method, params, id, text);
}

/** The reply to a request that was carried out. */
export function resultReply(id: RequestId, result: null | boolean | readonly string[]): string {
  return `{"result":${JSON.stringify(result)},"id":${idText(id)}}`;
}

/** The reply to a request that was refused: nested on the wire, although documented flat. */
export function errorReply(id: RequestId, code: number, msg: string, flat: boolean): string {
  const error = `"code":${code},"msg":${JSON.stringify(msg)}`;
  return `{${flat ? error : `"error":{${error}}`},"id":${idText(id)}}`;
}

function parseParameters(method: string, params: unknown, id: RequestId, text: string): ControlParse {
  if (method === "LIST_SUBSCRIPTIONS") return { outcome: "request", id, request: { method } };
  if (!Array.isArray(params)) return invalid(id, `Invalid request: missing field \`params\`${at(text)}`);
  const values: readonly unknown[] = params;
  if (method === "SUBSCRIBE" || method === "UNSUBSCRIBE") {
    const streams = values.filter((name): name is string => typeof name === "string");
    if (streams.length < values.length)
      return invalid(id, `Invalid request: invalid type, expected a string${at(text)}`);
    return { outcome: "request", id, request: { method, streams } };
  }
  const [name, combined] = values;
  if (typeof name !== "string") return invalid(id, "Invalid request: property name must be a string");
  if (values.length > (method === "SET_PROPERTY" ? 2 : 1)) return invalid(id, "Invalid request: too many parameters");
  if (name !== "combined") return { outcome: "error", id, code: 0, msg: "Unknown property" };
  if (method === "GET_PROPERTY") return { outcome: "request", id, request: { method } };
  if (typeof combined !== "boolean") {
    return { outcome: "error", id, code: 1, msg: "Invalid value type: expected Boolean" };
  }
  return { outcome: "request", id, request: { method: "SET_PROPERTY", combined } };
}

/** The id with all its digits, which a number does not always keep; undefined if it is not an id. */
function parseId(given: unknown, text: string): RequestId | undefined {
  if (given === null) return null;
  if (typeof given === "string") return /^[A-Za-z0-9_-]{1,36}$/.test(given) ? given : undefined;
  if (!Number.isInteger(given)) return undefined;
  const digits = Number.isSafeInteger(given) ? String(given) : /"id"\s*:\s*(-?\d+)\s*[,}]/.exec(text)?.[1];
  if (digits === undefined) return undefined;
  const id = BigInt(digits);
  return BigInt.asIntN(64, id) === id ? id : undefined;
}

function idText(id: RequestId): string {
  return typeof id === "bigint" ? String(id) : JSON.stringify(id);
}

function invalid(id: RequestId, msg: string): ControlParse {
  return { outcome: "error", id, code: 2, msg };
}

function at(text: string): string {
  const lines = text.split("\n");
  return ` at line ${lines.length} column ${lines.at(-1)?.length ?? 0}`;
}

/** How many seconds a refused client is told to wait. */
const retryAfterSeconds = 60;

/**
 * An HTTP answer that refuses, in the form in which it comes from the exchange or the gateway in front of it: 403 is a
 * firewall's HTML page, 451 and 4xx are JSON with a code, 429 and 418 say how long to wait, 5xx of a gateway are HTML.
 * Source: binance-spot-api-docs, rest-api.md, "HTTP Return Codes"; the 451 as reported by users.
 */
export function refusal(status: number): Response {
  if (status === 403) return page(status, "Forbidden", "The request could not be satisfied. Request blocked.");
  if (status === 451) {
    return json(status, 0, "Service unavailable from a restricted location. Please contact customer service.");
  }
  if (status === 429) return json(status, -1003, "Too many requests.", { "retry-after": String(retryAfterSeconds) });
  if (status === 418) {
    const until = Date.now() + retryAfterSeconds * 1000;
    const msg = `Way too many requests; IP banned until ${until}.`;
    return json(status, -1003, msg, { "retry-after": String(retryAfterSeconds) });
  }
  if (status === 500) return json(status, -1000, "An unknown error occurred while processing the request.");
  if (status >= 500)
    return page(status, status === 504 ? "Gateway Timeout" : "Service Unavailable", "Try again later.");
  return json(status, -1000, "The request was refused.");
}

function json(status: number, code: number, msg: string, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify({ code, msg }), {
    status,
    headers: { "content-type": "application/json;charset=UTF-8", ...headers },
  });
}

function page(status: number, title: string, words: string): Response {
  const body = `<!DOCTYPE html><html><head><title>${status} ${title}</title></head><body><h1>${status} ${title}</h1><p>${words}</p></body></html>`;
  return new Response(body, { status, headers: { "content-type": "text/html" } });
}
