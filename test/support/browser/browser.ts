import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import chromium, { inflate } from "@sparticuz/chromium";
import { type Browser, chromium as playwright } from "playwright-core";

/** A browser that runs here, or the reason why not; `more` are further flags for Chromium. */
export type BrowserRuntime =
  | { readonly ok: true; launch(more?: readonly string[]): Promise<Browser> }
  | { readonly ok: false; readonly reason: string };

const packageFolder = join(dirname(Bun.resolveSync("@sparticuz/chromium", import.meta.dir)), "..");
const { version }: { version: string } = await Bun.file(join(packageFolder, "package.json")).json();
const cacheFolder = join(import.meta.dir, "../../.tmp", `chromium-${version}`);

/** For a machine without fonts; the package's own looks for them in /tmp. */
const fontConfig = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${cacheFolder}/fonts</dir><cachedir>${cacheFolder}/fonts-cache</cachedir></fontconfig>
`;

/**
 * Unpacks the Chromium that came with the packages, once, into test/.tmp, and finds out whether it runs: as it is, or with
 * the libraries that came with it if the machine lacks its own (NSS, NSPR, expat and so on). The machine is not changed.
 */
export async function findBrowser(): Promise<BrowserRuntime> {
  if (process.platform !== "linux" || process.arch !== "x64")
    return {
      ok: false,
      reason: `the packaged Chromium is for Linux on x64, not ${process.platform} on ${process.arch}`,
    };
  try {
    await unpack();
  } catch (error) {
    return { ok: false, reason: `the packaged Chromium could not be unpacked: ${String(error)}` };
  }
  const executablePath = join(cacheFolder, "chromium");
  let said = "";
  for (const env of environments()) {
    const tried = spawnSync(executablePath, ["--version", "--no-sandbox"], { env, encoding: "utf8", timeout: 20_000 });
    if (tried.status === 0) return { ok: true, launch: (more = []) => launch(executablePath, env, more) };
    said = (tried.stderr || String(tried.error ?? "")).trim().split("\n")[0] ?? "";
  }
  return { ok: false, reason: `the packaged Chromium does not start on this machine: ${said}` };
}

async function unpack(): Promise<void> {
  if (existsSync(cacheFolder)) return;
  await mkdir(dirname(cacheFolder), { recursive: true });
  const staging = await mkdtemp(`${cacheFolder}.`);
  const usualTmp = process.env.TMPDIR;
  try {
    // The package unpacks into the temporary folder and trusts files that are there, even those of an interrupted run.
    process.env.TMPDIR = staging;
    await chromium.executablePath();
    await inflate(join(packageFolder, "bin/al2023.tar.br"));
    await Bun.write(join(staging, "fonts/fonts.conf"), fontConfig);
    await rename(staging, cacheFolder);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    if (!existsSync(cacheFolder)) throw error;
  } finally {
    if (usualTmp === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = usualTmp;
  }
}

/** The machine's own libraries come first: those of the package suit an older system. */
function environments(): Record<string, string>[] {
  const base = Object.fromEntries(Object.entries(process.env).filter((pair): pair is [string, string] => !!pair[1]));
  const own: Record<string, string> = { ...base, LANG: "C.UTF-8" };
  if (!existsSync("/etc/fonts/fonts.conf")) own.FONTCONFIG_PATH = join(cacheFolder, "fonts");
  return [own, { ...own, LD_LIBRARY_PATH: join(cacheFolder, "al2023/lib") }];
}

function launch(executablePath: string, env: Record<string, string>, more: readonly string[]): Promise<Browser> {
  return playwright.launch({
    executablePath,
    env,
    args: [
      "--headless=shell",
      "--no-sandbox",
      "--no-zygote",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-domain-reliability",
      "--no-pings",
      ...more,
    ],
  });
}
