import { computed, type Signal } from "@preact/signals";
import { folderOf } from "../../present/streams.ts";
import { status } from "../../state/state.ts";
import { t } from "../../words/i18n.ts";

/** Folder names of the recorded streams, joined by commas, so that a new status changes it only if they change. */
const streams = computed(() => {
  const names = status.value?.symbols.flatMap((symbol) => symbol.streams.map(({ stream }) => folderOf(stream)));
  return [...new Set(names ?? [])].join();
});
const recorded = computed(() => (streams.value === "" ? [] : streams.value.split(",")));

/** Which stream is looked at; "" is all of them. */
export function StreamChoice({ value }: { value: Signal<string> }) {
  const names = recorded.value;
  const all = value.value === "" || names.includes(value.value) ? names : [...names, value.value];
  return (
    <select
      aria-label={t("stream")}
      value={value}
      onChange={(event) => {
        value.value = event.currentTarget.value;
      }}
    >
      <option value="">
        {t("stream")}: {t("all")}
      </option>
      {all.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

/** The same as segments, as long as they are few; else as a list. */
export function StreamSegments({ value, all }: { value: Signal<string>; all: string }) {
  const names = recorded.value;
  if (names.length > 3) return <StreamChoice value={value} />;
  return (
    <fieldset class="seg" aria-label={t("stream")}>
      {["", ...names].map((name) => (
        <button
          key={name}
          type="button"
          aria-pressed={value.value === name}
          onClick={() => {
            value.value = name;
          }}
        >
          {name === "" ? all : name}
        </button>
      ))}
    </fieldset>
  );
}
