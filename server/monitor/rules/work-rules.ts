import type { FindRule, RuleTable } from "./rule.ts";

/** Finds compression and merging that fail or do not keep up. */
const backlog: FindRule<"backlog"> = ({ seen: { status }, settings, isRaised }) => {
  const { segments_waiting, days_waiting, failures, last_failure } = status.archive;
  if (failures > 0)
    return { severity: "warning", subjects: [], value: failures, limit: 0, detail: `failed: ${last_failure ?? ""}` };
  const streams = Math.max(
    1,
    status.symbols.reduce((sum, { streams }) => sum + streams.length, 0),
  );
  const part = isRaised ? 0.5 : 1;
  const figures = [
    {
      value: segments_waiting,
      limit: settings.segments_per_stream * streams,
      description: "segments wait to be compressed",
    },
    { value: days_waiting, limit: settings.days_per_stream * streams, description: "days wait to be merged" },
  ];
  const above = figures.find(({ value, limit }) => value > limit * part);
  if (above === undefined) return null;
  return { severity: "warning", subjects: [], value: above.value, limit: above.limit, detail: above.description };
};

/** Finds parts of the program that fail unexpectedly. */
const fault: FindRule<"fault"> = ({ seen: { faults } }) => {
  const [first] = faults;
  if (first === undefined) return null;
  const subjects = [...new Set(faults.map(({ part }) => part))].sort();
  return { severity: "warning", subjects, value: faults.length, limit: null, detail: first.reason };
};

/** Finds archives that differ from their manifests. Each stays until it is verified, or until a day without failures has passed. */
const verifyFailed: FindRule<"verify_failed"> = ({ seen, nowUs, settings, open }) => {
  const subjects = new Set(open?.subjects ?? []);
  let detail = open?.detail ?? null;
  let isNew = false;
  for (const { subject, problem } of seen.verified) {
    if (problem === null) subjects.delete(subject);
    else {
      subjects.add(subject);
      detail = `${subject}: ${problem}`;
      isNew = true;
    }
  }
  if (subjects.size === 0) return null;
  const isOld = open !== null && nowUs - open.changed_us > settings.keep_hours * 3600e6;
  if (isOld && !isNew) return null;
  return { severity: "critical", subjects: [...subjects].sort(), value: null, limit: null, detail };
};

/** Reports that the previous run did not end in an orderly way, once data flows again. */
const crashRecovered: FindRule<"crash_recovered"> = ({ seen: { crash, status }, nowUs, settings, open }) => {
  if (crash === null) return null;
  const isFlowing = status.symbols.some(({ last_recv_us }) => (last_recv_us ?? 0) >= crash.toUs);
  if (!isFlowing) return "unknown";
  if (open !== null && nowUs - open.changed_us > settings.keep_s * 1e6) return null;
  return {
    severity: "info",
    subjects: [],
    value: Math.round((crash.toUs - crash.fromUs) / 1e6),
    limit: null,
    detail: crash.detail,
    fromUs: crash.fromUs,
    overUs: crash.toUs,
  };
};

/** Finds a catalogue or journal that cannot be written: locked, damaged, or refused by the disk. No data is lost. */
const catalogueAway: FindRule<"catalogue_away"> = ({ seen: { status } }) => {
  const { problem, journal_problem } = status.catalogue;
  const detail = journal_problem === null ? problem : `the journal cannot be written: ${journal_problem}`;
  return detail === null ? null : { severity: "warning", subjects: [], value: null, limit: null, detail };
};

/** Reports that more dates exceed a retention limit than an hour may remove. The rest waits, so that people can check first. */
const retention: FindRule<"retention"> = ({ seen: { removalsWaiting } }) => {
  if (removalsWaiting === null) return null;
  const { dates, archives, from, to, limit } = removalsWaiting;
  return {
    severity: "warning",
    subjects: [],
    value: dates,
    limit,
    detail: `${archives} archives of ${dates} more dates (${from} to ${to}) are due; ${limit} dates are removed per hour, the rest waits`,
  };
};

/** Finds symbols that the exchange does not know, or no longer knows. */
const symbolUnknown: FindRule<"symbol_unknown"> = ({ seen: { status, suggestions } }) => {
  if (status.symbols.every(({ state }) => state === "unchecked")) return "unknown";
  const absent = status.symbols.filter(({ state }) => state === "unknown" || state === "delisted");
  if (absent.length === 0) return null;
  const unknown = absent.map(({ symbol }) => symbol);
  const hints = absent.flatMap(({ symbol, state }) => {
    const name = suggestions.get(symbol);
    if (state === "delisted")
      return [name === undefined ? `${symbol}: delisted or renamed.` : `${symbol}: renamed to ${name}.`];
    return name === undefined ? [] : [`${symbol}: did you mean ${name}?`];
  });
  const detail = hints.length > 0 ? hints.slice(0, 5).join(" ") : null;
  return { severity: "warning", subjects: unknown.sort(), value: null, limit: null, detail };
};

/** Finds a bucket that does not accept archives. */
const upload: FindRule<"upload"> = ({ seen: { status } }) => {
  const { upload } = status;
  if (upload === null || upload.problem === null) return null;
  return {
    severity: "warning",
    subjects: [upload.target],
    value: upload.archives_waiting,
    limit: null,
    detail: upload.problem,
  };
};

/** Finds archives that the bucket refuses while it accepts others, or that were changed or removed there. */
const uploadObject: FindRule<"upload_object"> = ({ seen: { status } }) => {
  const [first, ...others] = status.upload?.objects ?? [];
  if (first === undefined) return null;
  return {
    severity: "warning",
    subjects: [first, ...others].map(({ subject }) => subject).sort(),
    value: null,
    limit: null,
    detail: `${first.subject}: ${first.problem}`,
  };
};

/** Finds a dataset that falls behind the archives: its work as a whole, or single days. */
const dataset: FindRule<"dataset"> = ({ seen: { status } }) => {
  const { dataset } = status;
  const [first] = dataset?.days ?? [];
  if (dataset === null || (dataset.problem === null && first === undefined)) return null;
  return {
    severity: "warning",
    subjects: dataset.days.map(({ subject }) => subject).sort(),
    value: dataset.days_waiting + dataset.uploads_waiting,
    limit: null,
    detail: dataset.problem ?? `${first?.subject}: ${first?.problem}`,
  };
};

/** Finds a page that cannot be reached by its public name, or soon will not be. */
const publicUrl: FindRule<"public_url"> = ({ seen: { publicUrl: state }, settings }) => {
  if (state === null) return "unknown";
  if (state.kind === "unreachable")
    return { severity: "warning", subjects: [state.host], value: null, limit: null, detail: state.detail };
  const limit = settings.certificate_days * 86_400;
  if (state.expiresInS === null || state.expiresInS >= limit) return null;
  const days = Math.max(0, Math.floor(state.expiresInS / 86_400));
  const detail = `the certificate of ${state.host} expires in ${days} days; renew it, and check why it was not renewed (certbot renew --dry-run)`;
  return { severity: "warning", subjects: [state.host], value: Math.round(state.expiresInS), limit, detail };
};

/** The rules of this file by name. */
export const workRules = {
  backlog,
  fault,
  verify_failed: verifyFailed,
  crash_recovered: crashRecovered,
  catalogue_away: catalogueAway,
  retention,
  symbol_unknown: symbolUnknown,
  upload,
  upload_object: uploadObject,
  dataset,
  public_url: publicUrl,
} satisfies Partial<RuleTable>;
