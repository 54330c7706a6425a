import { expect, test } from "bun:test";
import { hours, timeZone } from "../../../server/config/time-values.ts";
import { isInHours } from "../../../server/domain/incidents/quiet-hours.ts";
import { localTime, placeOf, zoneName } from "../../../server/text/local-time.ts";
import { evening } from "../../support/telegram/evening.ts";

const quietHours = { fromMinutes: 23 * 60, toMinutes: 7 * 60 };

for (const [name, from, soundsAt] of [
  ["ends", "2026-10-24T22:00:00Z", "2026-10-25T06:00"],
  ["begins", "2026-03-28T22:00:00Z", "2026-03-29T05:00"],
] as const) {
  test(`in the night in which summer time ${name} in Berlin, warnings are silent until seven there, and critical incidents sound`, async () => {
    const night = await evening({ from, timeZone: "Europe/Berlin", quietHours });
    const sounds: string[] = [];
    const silent: string[] = [];
    night.telegram.onSeen((kind, _, message) => {
      const line = `${new Date(night.nowUs() / 1000).toISOString().slice(0, 16)} ${message.text.split("\n")[0]}`;
      if (kind === "message") (message.silent ? silent : sounds).push(line);
    });
    await night.pass(150 * 60, 60);
    const disk = night.incidents.raise({
      rule: "disk_low",
      severity: "warning",
      value: 8e10,
      worst: 8e10,
      limit: 1e11,
    });
    await night.pass(60, 10);
    expect([silent.length, sounds]).toEqual([1, []]);
    const away = night.incidents.raise({ rule: "disconnected", severity: "critical" });
    await night.pass(60, 10);
    expect(sounds).toHaveLength(1);
    night.incidents.close(away.id);
    await night.pass(180 * 60, 60);
    // Many hours have passed since the warning, and its reminder still waits.
    expect(sounds).toHaveLength(1);
    await night.pass(180 * 60, 60);
    expect(sounds).toHaveLength(2);
    expect(sounds[1]).toStartWith(soundsAt);
    expect(disk.to_us).toBeNull();
    await night.stop();
  });
}

test("a warning in the quiet hours that is known or over by the morning makes no sound at all", async () => {
  const night = await evening({ timeZone: "Europe/Berlin", quietHours });
  const known = night.incidents.raise({ rule: "disk_low", severity: "warning" });
  const brief = night.incidents.raise({ rule: "cpu", severity: "warning" });
  await night.pass(3600, 60);
  night.incidents.acknowledge(known.id, "Mina");
  night.incidents.close(brief.id);
  await night.pass(12 * 3600, 60);
  expect(night.telegram.chat(42).filter(({ silent }) => !silent)).toEqual([]);
  await night.stop();
});

test("incidents below the least severity are not sent, until they become severe enough", async () => {
  const day = await evening({ minSeverity: "critical" });
  const { id } = day.incidents.raise({ rule: "disk_low", severity: "warning" });
  await day.pass(30);
  expect(day.telegram.chat(42)).toEqual([]);
  day.incidents.change(id, { severity: "critical" }, "worse");
  await day.pass(30);
  expect(day.telegram.chat(42)).toHaveLength(1);
  await day.stop();
});

test("quiet hours and zones are read and printed, and other texts are refused", () => {
  expect(hours.parse("23:00-07:00")).toEqual({ ok: true, value: quietHours });
  expect(hours.print(quietHours)).toBe("23:00-07:00");
  for (const wrong of ["23:00", "7-8", "07:00-07:00", "23:00-24:00", 7, ""]) expect(hours.parse(wrong).ok).toBe(false);
  expect(timeZone.parse("asia/seoul")).toEqual({ ok: true, value: "Asia/Seoul" });
  for (const wrong of ["Seoul", "KST+9", "../etc", "+09:00", "", 9]) expect(timeZone.parse(wrong).ok).toBe(false);
  expect([isInHours(quietHours, 22 * 60 + 59), isInHours(quietHours, 0), isInHours(quietHours, 7 * 60)]).toEqual([
    false,
    true,
    false,
  ]);
  expect(isInHours({ fromMinutes: 60, toMinutes: 120 }, 119)).toBe(true);
});

test("a zone is called as people there call it, in summer and in winter; a zone without a name is called by its place", () => {
  const [winter, summer] = [Date.parse("2026-01-15T12:00:00Z") * 1000, Date.parse("2026-07-15T12:00:00Z") * 1000];
  const names = (zone: string) => [zoneName(winter, zone), zoneName(summer, zone)];
  expect(names("Europe/Berlin")).toEqual(["CET", "CEST"]);
  expect(names("America/New_York")).toEqual(["EST", "EDT"]);
  expect(names("Asia/Seoul")).toEqual(["KST", "KST"]);
  expect(names("Asia/Singapore")).toEqual(["Singapore", "Singapore"]);
  expect(names("UTC")).toEqual(["UTC", "UTC"]);
  expect([placeOf("America/New_York", "ko"), placeOf("Asia/Seoul", "ko"), placeOf("UTC", "en")]).toEqual([
    "New York",
    "서울",
    "UTC",
  ]);
  expect(localTime(winter, "Asia/Seoul")).toEqual({ date: "2026-01-15", minutes: 21 * 60 });
});
