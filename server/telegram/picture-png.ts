import { initWasm, Resvg } from "@resvg/resvg-wasm";
import fontFile from "../../node_modules/@expo-google-fonts/roboto/500Medium/Roboto_500Medium.ttf" with {
  type: "file",
};
import wasmFile from "../../node_modules/@resvg/resvg-wasm/index_bg.wasm" with { type: "file" };
import { readFileSync } from "../platform/files.ts";

/** `type: "file"` makes them paths, in a checkout as in an executable; the declared types are those of another loader. */
const fontPath = fontFile as unknown as string;
const wasmPath = wasmFile as unknown as string;

/** Loads the renderer into the calling thread, which it needs about 50 MB of. Call it once; what it returns draws SVG as PNG. */
export async function loadRenderer(): Promise<(svg: string) => Uint8Array> {
  await initWasm(readFileSync(wasmPath));
  const font = readFileSync(fontPath);
  return (svg) => {
    const options = { loadSystemFonts: false, fontBuffers: [font], defaultFontFamily: "Roboto Medium" };
    return new Resvg(svg, { font: options }).render().asPng();
  };
}
