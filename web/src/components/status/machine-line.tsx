import { useComputed } from "@preact/signals";
import type { Status } from "../../../../server/domain/status.ts";
import { bytes, duration, number, percent } from "../../present/format.ts";
import { status } from "../../state/state.ts";
import { t } from "../../words/i18n.ts";
import { Value } from "./value.tsx";

/** Disk, memory, processor and network in a quiet line. They become loud only as an incident. */
export function MachineLine() {
  return (
    <p class="machine">
      <Figure name="host" label={t("server")} read={({ host }) => host} />
      <Figure name="disk" label={t("diskFree")} read={diskText} />
      <Disks />
      <Figure name="memory" label={t("memory")} read={({ hardware }) => bytes(hardware.process_memory_bytes)} />
      <Figure name="cpu" label={t("cpu")} read={cpuText} />
      <Network />
      <Figure name="records" label={t("recordsSinceStart")} read={({ totals }) => number(totals.records)} />
      <Figure
        name="running"
        label={t("running")}
        read={({ now_us, started_us }) => duration((now_us - started_us) / 1e6)}
      />
      <span class="last" data-figure="version">
        <Value read={({ version }) => version} />
      </span>
    </p>
  );
}

function Figure({ name, label, read }: { name: string; label: string; read: (status: Status) => string }) {
  return (
    <span data-figure={name}>
      {label}{" "}
      <b>
        <Value read={read} />
      </b>
    </span>
  );
}

function diskText({ hardware, disk }: Status): string {
  const room = t("freeOf", { free: bytes(hardware.disk_free_bytes), total: bytes(hardware.disk_total_bytes) });
  if (disk === null || disk.fill_bytes_per_s === null) return room;
  const lasts = disk.full_in_s === null ? t("diskLasts") : t("diskLastsFor", { time: duration(disk.full_in_s) });
  return `${room}, ${lasts}`;
}

/** File systems besides that of the data folder, and inodes that run out. */
function Disks() {
  const lines = useComputed(() =>
    (status.value?.disks ?? []).flatMap((disk) => {
      if (disk.problem !== null) return [`${disk.name}: ${disk.problem}`];
      const isOther = disk.name !== "data";
      const room = isOther
        ? [`${disk.name}: ${t("freeOf", { free: bytes(disk.free_bytes), total: bytes(disk.total_bytes) })}`]
        : [];
      const isScarce = disk.scarce === "inodes" && disk.level !== "ok";
      return isScarce ? [...room, t("inodes", { disk: disk.name, free: number(disk.free_inodes ?? 0) })] : room;
    }),
  );
  return (
    <>
      {lines.value.map((line) => (
        <span key={line}>{line}</span>
      ))}
    </>
  );
}

function cpuText({ hardware }: Status): string {
  return t("cpuOf", { recorder: percent(hardware.process_cpu_cores), machine: percent(hardware.cpu_ratio) });
}

/** Some systems do not report it. */
function Network() {
  const isShown = useComputed(() => status.value?.hardware.network_receive_bytes_per_s !== null);
  if (!isShown.value) return null;
  return (
    <Figure
      name="network"
      label={t("network")}
      read={({ hardware }) => `${bytes(hardware.network_receive_bytes_per_s ?? 0)}${t("perSecond")}`}
    />
  );
}
