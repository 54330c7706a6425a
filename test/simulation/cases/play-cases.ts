import { play } from "../run.ts";
import { cases } from "./cases.ts";

/** Plays every kept case whose name contains `wanted`; prints one line each. Returns the number of cases that broke a promise. */
export async function playCases(wanted: string): Promise<number> {
  let failures = 0;
  for (const { name, plan } of cases) {
    if (!name.includes(wanted)) continue;
    const { violations, digest } = await play(plan);
    if (violations.length > 0) failures++;
    console.log(`${violations.length === 0 ? "holds" : "BROKEN"}  ${name}  ${digest}`);
    for (const { promise, detail } of violations.slice(0, 5))
      console.log(`        ${promise}: ${detail.split("\n")[0]}`);
  }
  return failures;
}

/* Exits with 1 if a promise was broken. Words given choose cases by name. */
if (import.meta.main) process.exit((await playCases(process.argv.slice(2).join(" "))) === 0 ? 0 : 1);
