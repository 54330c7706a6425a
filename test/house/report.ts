/** `bun test/house/report.ts`: the tree in figures: files of each folder, arrows between rooms, circles, names exported twice. */
import { basename } from "node:path";
import { circleIn, exportedTwice, importsOf, roomOf, serverFiles, webFiles } from "./graph.ts";

const folders = Map.groupBy([...serverFiles, ...webFiles], (file) => file.slice(0, file.lastIndexOf("/")));
for (const [folder, files] of [...folders].sort()) console.log(`${String(files.length).padStart(4)} ${folder}`);

const arrows = serverFiles
  .flatMap(importsOf)
  .filter(({ to }) => to.startsWith("server/"))
  .map(({ from, to }) => [roomOf(from, "server"), roomOf(to, "server")])
  .filter(([from, to]) => from !== to);
console.log(`\nrooms of server/: ${new Set(serverFiles.map((file) => roomOf(file, "server"))).size}`);
console.log(`arrows between rooms: ${new Set(arrows.map((arrow) => arrow.join(" → "))).size}`);
console.log(`circles: ${circleIn([...serverFiles, ...webFiles]) ?? "none"}`);

const twice = exportedTwice();
console.log(`names exported from several files: ${twice.length}`);
for (const line of twice) console.log(`  ${line}`);
const thrice = [...Map.groupBy(serverFiles, (file) => basename(file))].filter(([, files]) => files.length > 2);
console.log(`file names that stand three times: ${thrice.map(([name]) => name).join(", ") || "none"}`);
