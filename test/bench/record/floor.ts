/** The floor: a bare Bun WebSocket client that only writes the text to a file. `bun floor.ts <url> <file>` */
import { openSync } from "node:fs";

const [url = "", path = ""] = process.argv.slice(2);
const sink = Bun.file(openSync(path, "a")).writer();
// Bun takes options here; the DOM's type knows only protocols.
const socket = new WebSocket(url, { perMessageDeflate: false } as unknown as string[]);
let count = 0;
socket.onmessage = ({ data }) => {
  sink.write(data);
  sink.write("\n");
  count++;
};
process.on("SIGTERM", () => {
  sink.end();
  console.log(count);
  process.exit(0);
});
