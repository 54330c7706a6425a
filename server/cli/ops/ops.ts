import { resolve } from "node:path";
import env from "../../../ops/env.example" with { type: "text" };
import koreanGuide from "../../../ops/guide.ko.md" with { type: "text" };
import guide from "../../../ops/guide.md" with { type: "text" };
import backup from "../../../ops/host/backup.sh" with { type: "text" };
import certbot from "../../../ops/host/certbot.sh" with { type: "text" };
import chrony from "../../../ops/host/chrony.conf" with { type: "text" };
import ddclient from "../../../ops/host/ddclient.conf" with { type: "text" };
import tunnel from "../../../ops/host/tunnel.yml" with { type: "text" };
import ufw from "../../../ops/host/ufw.sh" with { type: "text" };
import upgrades from "../../../ops/host/unattended-upgrades.conf" with { type: "text" };
import install from "../../../ops/install.sh" with { type: "text" };
import nginx from "../../../ops/nginx/rt-data.conf" with { type: "text" };
import python from "../../../ops/rt_data.py" with { type: "text" };
import example from "../../../ops/rt-data.example.toml" with { type: "text" };
import { type Config, environmentOf } from "../../config/config.ts";
import { didYouMean } from "../../platform/did-you-mean.ts";
import { OperatorError } from "../../platform/errors.ts";
import type { Command, Flags } from "../framework/command.ts";
import { configOf, settingFlags } from "../framework/config-flags.ts";
import { composeOf } from "./ops-compose.ts";
import { fillTemplate, type Site, siteOf, upstreamOf } from "./ops-site.ts";
import { unitOf } from "./ops-unit.ts";

const { config: configFlag } = settingFlags;

/** The example config, with the data folder of a service. */
const serverExample = example.replace('data_dir = "./data"', 'data_dir = "/var/lib/rt-data"');

/** The topics: description in the help, and the text or a function that makes it from the config. */
const topics = {
  systemd: ["the service: /etc/systemd/system/rt-data.service", (config, flags) => unitOf(config, serviceOf(flags))],
  nginx: ["the site of a reverse proxy: /etc/nginx/sites-available/rt-data.conf", (config) => nginxOf(siteOf(config))],
  compose: [
    "a container: compose.yaml for Docker or Podman; --image NAME",
    (config, flags) => composeOf(config, flags.image),
  ],
  env: ["settings as environment: /etc/rt-data/rt-data.env", envOf],
  config: ["an example config: /etc/rt-data/rt-data.toml", serverExample],
  install: ["the script that installs, upgrades and rolls back", install],
  guide: [
    "the guide from a bare server to your own domain; --lang ko: in Korean",
    (config, flags) => guideOf(config, flags.lang),
  ],
  certbot: ["commands that get the certificate", (config) => fillTemplate(certbot, namesOf(siteOf(config)))],
  ufw: ["commands that set up the firewall", (config) => fillTemplate(ufw, { port: String(config.http.port) })],
  chrony: ["the clock: /etc/chrony/conf.d/rt-data.conf", chrony],
  ddclient: [
    "dynamic DNS, for a changing address: /etc/ddclient.conf",
    (config) => fillTemplate(ddclient, namesOf(siteOf(config))),
  ],
  tunnel: ["Cloudflare Tunnel: /etc/cloudflared/config.yml", (config) => fillTemplate(tunnel, namesOf(siteOf(config)))],
  upgrades: ["security updates: /etc/apt/apt.conf.d/52rt-data", upgrades],
  python: ["a module that reads the data folder: rt_data.py, for pandas, polars or duckdb", python],
  backup: ["a daily backup of the archives: /etc/cron.daily/rt-data-backup", backupOf],
} as const satisfies Readonly<Record<string, readonly [string, string | ((config: Config, flags: Flags) => string)]>>;

/** `rt-data ops` */
export const ops: Command = {
  name: "ops",
  summary: "print the files of a deployment, filled in from the config",
  topics: Object.entries(topics).map(([topic, [meaning]]) => [topic, meaning] as const),
  flags: {
    ...(configFlag && { config: configFlag }),
    user: { value: "NAME", help: "systemd: user of the service (default rt-data)" },
    executable: { value: "PATH", help: "systemd: path of the executable (default /opt/rt-data/bin/rt-data)" },
    image: { value: "NAME", help: "compose: the image (default rt-data with this version)" },
    lang: { value: "LANGUAGE", help: "guide: en or ko (default en)" },
  },
  examples: [
    ["rt-data ops guide | less", "read how everything fits together"],
    ["rt-data ops python > rt_data.py", "load(), gaps() and book_at() for a notebook"],
    ["rt-data ops systemd > /etc/systemd/system/rt-data.service", "the service"],
    [
      "RT_DATA_HTTP_PUBLIC_URL=https://data.example.org rt-data ops nginx",
      "the site, for a name that is not in the config yet",
    ],
  ],
  async run(flags, terminal) {
    const topic = flags.topic as keyof typeof topics;
    const [, content] = topics[topic];
    // Fixed texts are printed even if the config is invalid.
    const text = typeof content === "string" ? content : content(configOf({ config: flags.config }), flags);
    terminal.print(text.trimEnd());
    return 0;
  },
};

function serviceOf(flags: Flags): { user: string; executable: string } {
  return { user: flags.user ?? "rt-data", executable: flags.executable ?? "/opt/rt-data/bin/rt-data" };
}

function nginxOf(site: Site): string {
  const { location } = site;
  const name = location.slice(0, -1);
  const below =
    name === "" ? "" : `\n    location = ${name} {\n        return 301 https://${site.publicHost}${location};\n    }`;
  return fillTemplate(nginx, { ...namesOf(site), base_path: location, below });
}

function namesOf({ serverName, publicHost, upstream }: Site): Record<string, string> {
  return { server_name: serverName, public_host: publicHost, upstream, zone: zoneOf(serverName) };
}

/** Returns the domain of a name: its last two labels, or three below a suffix such as co.kr. */
function zoneOf(name: string): string {
  const labels = name.split(".");
  const isBelowSecond =
    /^(ac|co|com|edu|go|gov|ne|net|or|org|pe|re)$/.test(labels.at(-2) ?? "") && labels.at(-1)?.length === 2;
  return labels.slice(isBelowSecond ? -3 : -2).join(".");
}

function envOf(config: Config): string {
  return `${env}\n${environmentOf(config)
    .map(([variable, text]) => `#${variable}=${quoted(text)}`)
    .join("\n")}\n`;
}

/** Quotes a value for an environment file, which systemd parses like a shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]*$/.test(text) ? text : `"${text.replace(/["\\`$]/g, "\\$&")}"`;
}

function backupOf(config: Config): string {
  const folder = resolve("/var/lib/rt-data", config.record.data_dir, "archive");
  return fillTemplate(backup, { archive_dir: `'${folder.replaceAll("'", `'\\''`)}'` });
}

/** Returns the guide, with this server's name and address if they are known. */
function guideOf(config: Config, lang = "en"): string {
  const guides: Readonly<Record<string, string>> = { en: guide, ko: koreanGuide };
  const text = guides[lang];
  if (text === undefined)
    throw new OperatorError(`--lang ${lang} is not accepted${didYouMean(lang, Object.keys(guides))}; give en or ko`);
  const withName =
    config.http.public_url === "" ? text : text.replaceAll("data.example.org", siteOf(config).serverName);
  return config.http.port === 0 ? withName : withName.replaceAll("127.0.0.1:8000", upstreamOf(config.http));
}
