/**
 * A client that discards all messages: `bun discard.ts <url>`; at the close prints messages, bytes and the seconds from the first
 * to the last as JSON.
 */
const [url = ""] = process.argv.slice(2);
// Bun takes options here; the DOM's type knows only protocols.
const socket = new WebSocket(url, { perMessageDeflate: false } as unknown as string[]);
let messages = 0;
let bytes = 0;
let first = 0;
let last = 0;
socket.onmessage = ({ data }) => {
  last = performance.now();
  if (messages === 0) first = last;
  messages++;
  bytes += (data as string).length;
};
socket.onclose = ({ code, reason }) => {
  console.log(JSON.stringify({ messages, bytes, seconds: (last - first) / 1000, code, reason }));
  process.exit(0);
};

export {};
