import type { Random } from "../../../server/simulator/market/random.ts";

/** Input for one connection: the bytes of a request, and of the frames once a WebSocket is open. */
export type Attack = {
  readonly who: Sender;
  /** Method and path as sent. */
  readonly line: string;
  readonly request: Buffer;
  readonly frames: Buffer | null;
};

/** Who sends a request. "revoked": with a token that was revoked; strangers have wrong passwords and a false user header. */
export type Sender = "owner" | "metrics" | "read" | "revoked" | "stranger";

const paths = [
  ..."/ /dashboard /login /orderbook/BTCUSDT /coverage /archive /history /openapi /metrics /health/live /health/ready".split(
    " ",
  ),
  ..."/api/status /api/session /api/series /api/gaps /api/events /api/coverage /api/coverage/today /api/archives".split(
    " ",
  ),
  ..."/api/verify /api/alerts /state/BTCUSDT /ws/dashboard /ws/book/BTCUSDT /static/icon.svg /static/manifest.webmanifest".split(
    " ",
  ),
  ..."/api/archives/depth20/BTCUSDT/2026-11-21/file /api/coverage/depth20/BTCUSDT/2026-11-21 /assets/ /rt-data/".split(
    " ",
  ),
  "/api/verify/depth20/BTCUSDT/2026-11-21",
];
const pieces = [
  ..."../ ..%2f %2e%2e/ %252e%252e/ %00 %c0%ae%c0%ae/ %ff %zz % // /./ \\ ; .. /etc/passwd ?a=1 ?limit=1e9&after=%27 #x @ * | ~".split(
    " ",
  ),
  ..."' \" < > {} [] $(id) {{7*7}} 비트코인 \x80\xff \x01 \x7f".split(" "),
];
const methods = "GET GET GET GET HEAD POST POST PUT DELETE PATCH OPTIONS TRACE CONNECT PROPFIND get G\0T".split(" ");
const names = [
  ..."Range If-Range If-None-Match Accept Accept-Encoding Cookie Origin Referer Forwarded".split(" "),
  ..."X-Forwarded-Proto X-Forwarded-Host Sec-Fetch-Site Upgrade Expect Content-Type Transfer-Encoding Content-Length".split(
    " ",
  ),
  ..."Sec-WebSocket-Key Sec-WebSocket-Version Sec-WebSocket-Extensions Sec-WebSocket-Protocol X-Junk Te Trailer".split(
    " ",
  ),
];
const values = [
  ..."bytes=0-0 bytes=-1 bytes=99999999999999999999- bytes=0-1,2-3 * gzip text/html application/json chunked websocket".split(
    " ",
  ),
  ..."null http://evil.example https://127.0.0.1 cross-site same-origin 100-continue 0 -1 5 1e3 18446744073709551616".split(
    " ",
  ),
  ..."1.2.3.4,::1 rt-data=x rt-data= Basic Bearer Digest permessage-deflate 13 8 evil.example:99999 a@b [::1 [::1]:80".split(
    " ",
  ),
];

const others = ["metrics", "read", "revoked"] as const;

/** What strangers bring along, who have to be told from those with the password by their address. */
const guesses = ["Accept: text/html", "Authorization: Basic Og==", "Authorization: Bearer x", "Cookie: rt-data=x"];

/** A request of ten thousand, mostly nearly right, because wrong requests are refused early. Most are the owner's. */
export function attack(random: Random, authorizations: Readonly<Record<Exclude<Sender, "stranger">, string>>): Attack {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;
  const junk = (most: number) => Buffer.from(Array.from({ length: random.below(most) }, () => random.below(256)));
  const isSocket = random.chance(0.25);
  let path = isSocket ? pick(["/ws/dashboard", "/ws/book/BTCUSDT"]) : pick(paths);
  if (random.chance(isSocket ? 0.1 : 0.4)) {
    const at = random.below(path.length + 1);
    path = path.slice(0, at) + pick(pieces).repeat(1 + random.below(3)) + path.slice(at);
  }
  if (random.chance(0.01)) path += "a".repeat(random.below(40_000));
  if (random.chance(0.02)) path = `http://evil.example${path}`;
  const lines = [
    `${isSocket ? "GET" : pick(methods)} ${path} HTTP/${random.chance(0.03) ? pick(["1.0", "2.0", "9"]) : "1.1"}`,
  ];
  if (!random.chance(0.03)) lines.push(`Host: ${random.chance(0.9) ? "127.0.0.1" : pick(values)}`);
  const sender = () => (random.chance(0.85) ? "owner" : pick(others));
  const who: Sender = random.chance(0.8) && !path.includes("session") ? sender() : "stranger";
  if (who !== "stranger") lines.push(`Authorization: ${authorizations[who]}`);
  else lines.push(`X-Forwarded-For: 203.0.${random.below(256)}.${random.below(256)}`, pick(guesses));
  if (random.chance(0.3)) lines.push("Remote-User: owner");
  if (isSocket) {
    lines.push("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13");
    lines.push("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Extensions: permessage-deflate");
  } else if (random.chance(0.8)) lines.push("Connection: close");
  for (let n = random.below(isSocket ? 2 : 4); n > 0; n--)
    lines.push(`${pick(names)}: ${random.chance(0.95) ? pick(values) : junk(30).toString("latin1")}`);
  if (random.chance(0.01)) for (let n = 0; n < 300; n++) lines.push(`X-${n}: ${n}`);
  if (random.chance(0.01)) lines.push(`X-Long: ${"b".repeat(30_000)}`);
  const body = isSocket || random.chance(0.5) ? Buffer.alloc(0) : bodyOf(random, junk);
  if (body.length > 0)
    lines.push(
      `Content-Type: ${pick(["application/json", "text/plain", "application/json; charset=x", "multipart/form-data"])}`,
    );
  if (body.length > 0) lines.push(`Content-Length: ${random.chance(0.9) ? body.length : random.below(200_000)}`);
  const request = Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]);
  const cut = random.chance(0.03) ? request.subarray(0, random.below(request.length)) : request;
  const frames = isSocket
    ? Buffer.concat(Array.from({ length: 1 + random.below(4) }, () => frame(random, junk)))
    : null;
  return { who, line: lines[0] ?? "", request: cut, frames };
}

function bodyOf(random: Random, junk: (most: number) => Buffer): Buffer {
  const texts = [
    '{"password":"x"}',
    '{"password":1}',
    '{"password":',
    '{"__proto__":{"password":"x"}}',
    "null",
    "[]",
    "\xff\xfe",
  ];
  switch (random.below(4)) {
    case 0:
      return Buffer.from("[".repeat(random.below(20_000)));
    case 1:
      return junk(3000);
    case 2:
      return Buffer.from(`{"password":"${"x".repeat(random.below(90_000))}"}`);
    default:
      return Buffer.from(texts[random.below(texts.length)] ?? "", "latin1");
  }
}

/** A frame as RFC 6455 has it, with nearly everything about it left to chance. */
function frame(random: Random, junk: (most: number) => Buffer): Buffer {
  if (random.chance(0.2)) return junk(200);
  const payload = random.chance(0.9) ? junk(140) : Buffer.alloc(random.below(5000), "x");
  const first = (random.chance(0.7) ? 0x80 : 0) | (random.chance(0.2) ? random.below(8) << 4 : 0) | random.below(16);
  const mask = random.chance(0.9) ? 0x80 : 0;
  const claims = random.chance(0.85) ? payload.length : random.below(2 ** 31);
  const head = Buffer.alloc(14);
  head[0] = first;
  let at = 2;
  if (claims < 126 && random.chance(0.9)) head[1] = mask | claims;
  else if (claims < 65_536 && random.chance(0.9)) {
    head[1] = mask | 126;
    at = head.writeUInt16BE(claims, 2);
  } else {
    head[1] = mask | 127;
    at = head.writeBigUInt64BE(random.chance(0.8) ? BigInt(claims) : 2n ** 64n - 1n, 2);
  }
  return Buffer.concat([head.subarray(0, mask ? at + 4 : at), payload]);
}
