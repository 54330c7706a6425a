import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { filesIn, type InstallMachine, installMachine, killMissing } from "./install-machine.ts";

/** Every point instead of some, as `bun run test:random` does: `TEST_INSTALL_MATRIX=all bun test test/packaging/install-kill.test.ts`. */
const isWhole = process.env.TEST_INSTALL_MATRIX === "all";
/** Points of each kind and command otherwise. */
const some = 2;

const unit = "etc/systemd/system/rt-data.service";
const placed = "opt/rt-data/bin/rt-data";
/** Files that belong to a version, and how they say of which. */
const texts = {
  [unit]: "# unit of ",
  "usr/local/sbin/rt-data-install": "# install of ",
} as const;

let machine: InstallMachine;
beforeEach(() => {
  machine = installMachine("077");
});
afterEach(() => machine.stop());

const commands = [
  { verb: "install", from: "nothing", old: null, wanted: "1.0.0" },
  { verb: "upgrade", from: "first", old: "1.0.0", wanted: "1.1.0" },
  { verb: "rollback", from: "second", old: "1.1.0", wanted: "1.0.0" },
] as const;
const troubles = [
  ["a disk that is full from any moment on", "full"],
  ["any single process of the installer is killed", "one"],
  ["a signal to all processes of the installer, as at the end of a session", "term"],
] as const;
type Case = (typeof commands)[number];

const wordsOf = ({ verb, wanted }: Case) => (verb === "rollback" ? [verb] : [verb, machine.release(wanted)]);

async function prepare({ from }: Case): Promise<void> {
  machine.save("nothing");
  if (from === "nothing") return;
  expect(machine.run(["install", machine.release("1.0.0")])).toMatchObject({ code: 0 });
  if (from === "second") expect(machine.run(["upgrade", machine.release("1.1.0")])).toMatchObject({ code: 0 });
  machine.save(from);
}

/** The version of the file in place, by its bytes; null without file. Throws if it is not a whole release. */
function versionOf(path: string): string | null {
  const bytes = machine.read(path);
  if (bytes === null) return null;
  const found = ["1.0.0", "1.1.0"].find((version) => readFileSync(machine.release(version), "latin1") === bytes);
  if (found === undefined) throw new Error(`${path} is no whole release`);
  return found;
}

/** Rules for every moment: all files are whole, the unit is never newer than the executable, the running process still runs. */
function expectNoMixture(point: string, { old, wanted }: Case): void {
  const executable = versionOf(placed);
  for (const path of filesIn(machine.root).filter((file) => /releases\/[^.][^/]*\/rt-data$/.test(file)))
    versionOf(path);
  for (const [path, start] of Object.entries(texts)) {
    const text = machine.read(path);
    if (text === null) continue;
    const version = text.slice(start.length, text.indexOf("\n"));
    expect({ point, path, isWhole: text.startsWith(start) && text.endsWith("\n") }).toEqual({
      point,
      path,
      isWhole: true,
    });
    if (version === wanted) expect({ point, path, executable }).toEqual({ point, path, executable: wanted });
  }
  const config = machine.read("etc/rt-data/rt-data.toml");
  expect([point, config === null || config.startsWith("# config of")]).toEqual([point, true]);
  if (old !== null)
    expect([point, [old, wanted].some((version) => version === machine.running())]).toEqual([point, true]);
  const odd = filesIn(machine.root).filter((file) =>
    /^(etc\/systemd|usr)\/.*\/(?!\.)(?!rt-data(-install|\.service)?$)[^/]+$/.test(file),
  );
  expect([point, odd]).toEqual([point, []]);
}

/** All of one version, by the files and by the process. */
function expectDone(point: string, { old, wanted }: Case): void {
  const said = Object.fromEntries(
    Object.entries(texts).map(([path, start]) => [path, machine.read(path)?.startsWith(`${start}${wanted}\n`)]),
  );
  expect({
    ...{ point, said, executable: versionOf(placed), runs: machine.running() },
    current: machine.read("opt/rt-data/current")?.trim(),
    previous: machine.read("opt/rt-data/previous")?.trim() ?? null,
    left: filesIn(machine.root).filter((file) => /\.new|\.before|changing|opt\/rt-data\/unit/.test(file)),
  }).toEqual({
    ...{ point, said: { [unit]: true, "usr/local/sbin/rt-data-install": true }, executable: wanted, runs: wanted },
    ...{ current: wanted, previous: old, left: [] },
  });
  for (const path of [placed, unit, "usr/local/bin/rt-data"])
    expect([point, path, statSync(join(machine.root, path)).mode & 0o044]).toEqual([point, path, 0o044]);
  expect(statSync(join(machine.root, "etc/rt-data/credentials/telegram_token")).mode & 0o777).toBe(0o600);
}

/** Some of the points from 1 to `last`, others each time, or all of them. */
function pointsOf(last: number): number[] {
  const all = Array.from({ length: last }, (_, n) => n + 1);
  const first = Math.floor(Math.random() * last);
  return isWhole ? all : all.filter((n) => (n + first) % Math.ceil(last / some) === 0);
}

/** The points right behind a new executable or a new unit: a file says one version, and the process another. */
function tellingPoints(events: readonly string[]): number[] {
  const places = events.flatMap((line, n) =>
    /^rename\w* (?:opt\/rt-data\/bin\/rt-data|etc\S+\.service)$/.test(line) ? [n + 2] : [],
  );
  return places.filter((point) => point <= events.length);
}

describe.each(commands)("$verb", (given) => {
  const limit = isWhole ? 1_800_000 : 120_000;

  test.skipIf(killMissing !== "")(
    `killed at any change of a file or call of systemctl: no mixture; repeated, it is done; once more, no change${killMissing}`,
    async () => {
      await prepare(given);
      await machine.restore(given.from);
      const { events, ...counted } = machine.run(wordsOf(given), { mode: "count", at: 0 });
      expect(counted).toMatchObject({ code: 0 });
      expectDone("undisturbed", given);
      const telling = tellingPoints(events);
      expect(telling.length).toBeGreaterThan(0);
      const points = [...new Set([...pointsOf(events.length), ...telling])];
      for (const at of points) {
        const point = `${given.verb} killed at ${at} of ${events.length} (${events[at - 1]})`;
        await machine.restore(given.from);
        expect([point, machine.run(wordsOf(given), { mode: "kill", at }).code]).toEqual([point, 137]);
        expectNoMixture(point, given);
        // A rollback whose mark has gone is done; a second one would lead forward again, and says so by its version.
        const isDone = !existsSync(join(machine.root, "opt/rt-data/changing")) && versionOf(placed) === given.wanted;
        const again = given.verb === "rollback" && isDone ? ["rollback", given.wanted] : wordsOf(given);
        const repeated = machine.run(again);
        expect({ point, code: repeated.code, told: repeated.told }).toMatchObject({ point, code: 0 });
        expectDone(point, given);
        const pid = machine.mainPid();
        expect(machine.run(given.verb === "rollback" ? ["rollback", given.wanted] : again).code).toBe(0);
        expectDone(`${point}, twice repeated`, given);
        expect(machine.mainPid()).toBe(pid);
      }
      console.log(`${given.verb}: killed at ${points.length} of ${events.length} points, 0 mixed states`);
    },
    limit,
  );

  for (const [trouble, mode] of troubles)
    test.skipIf(killMissing !== "")(
      `${trouble}: an error and no mixture, or done; with room, repeated, it is done${killMissing}`,
      async () => {
        await prepare(given);
        await machine.restore(given.from);
        const { events } = machine.run(wordsOf(given), { mode: "count", at: 0 });
        const points = pointsOf(events.length);
        let failed = 0;
        for (const at of points) {
          const point = `${given.verb}, ${trouble}: ${at} of ${events.length} (${events[at - 1]})`;
          await machine.restore(given.from);
          const { code, told } = machine.run(wordsOf(given), { mode, at });
          expectNoMixture(point, given);
          if (code !== 0) failed++;
          // The shell itself may have been killed, which is as if all had been. A signal needs no words.
          if (code !== 0 && code !== 137) {
            if (code !== 143)
              expect({ point, told }).toEqual({ point, told: expect.stringContaining("rt-data-install: ") });
            // After an error the running process and the file in place are the same.
            if (given.old !== null) expect([point, versionOf(placed)]).toEqual([point, machine.running()]);
          }
          const isDone = !existsSync(join(machine.root, "opt/rt-data/changing")) && versionOf(placed) === given.wanted;
          const again = given.verb === "rollback" && isDone ? ["rollback", given.wanted] : wordsOf(given);
          const repeated = machine.run(again);
          expect({ point, code: repeated.code, told: repeated.told }).toMatchObject({ point, code: 0 });
          expectDone(point, given);
        }
        // A disk that fills up behind the last file does no harm, and a few points may all lie there.
        if (mode === "full" && isWhole) expect(failed).toBeGreaterThan(points.length / 2);
        console.log(
          `${given.verb}, ${trouble}: ${points.length} of ${events.length} points, ${failed} errors, 0 mixed states`,
        );
      },
      limit,
    );
});

test.skipIf(killMissing !== "")(
  `another build of the version that runs is not in place because it is called the same: it takes over${killMissing}`,
  () => {
    expect(machine.run(["install", machine.release("1.0.0")]).code).toBe(0);
    const before = machine.mainPid();
    // Bytes behind its end do not matter to a program.
    appendFileSync(machine.release("1.0.0"), "rebuilt");
    expect(machine.run(["upgrade", "--unverified", machine.release("1.0.0")]).code).toBe(0);
    expect([machine.running(), machine.mainPid() !== before, versionOf(placed)]).toEqual(["1.0.0", true, "1.0.0"]);
    const after = machine.mainPid();
    const { told } = machine.run(["upgrade", "--unverified", machine.release("1.0.0")]);
    expect([told, machine.mainPid()]).toEqual([expect.stringContaining("in place already"), after]);
  },
  20_000,
);
