import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../folder.ts";
import { committedCertificate } from "../simulator/certificate.ts";
import { until } from "../wait.ts";

/** Path of nginx, or the reason why it is missing. */
export const nginxMissing =
  Bun.which("nginx", { PATH: `${process.env.PATH}:/usr/sbin` }) === null ? " (skipped: no nginx)" : "";
const nginx = Bun.which("nginx", { PATH: `${process.env.PATH}:/usr/sbin` }) ?? "nginx";

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port = 0 } = probe;
  await probe.stop(true);
  return port;
}

/**
 * Writes a site as printed by `rt-data ops nginx` into a folder, with the given ports and a certificate of the test.
 * `check` runs `nginx -t`; `start` runs nginx in the foreground until `stop`.
 */
export function nginxSite(site: string, ports: { http: number; https: number }) {
  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, "temp"));
  const { path: certificate } = committedCertificate();
  const key = join(certificate, "../key.pem");
  const local = site
    .replaceAll(/^\s*listen \[::\].*\n/gm, "")
    .replaceAll(/listen 80;/g, `listen 127.0.0.1:${ports.http};`)
    .replaceAll(/listen 443 /g, `listen 127.0.0.1:${ports.https} `)
    .replaceAll(/ssl_certificate .*;/g, `ssl_certificate ${certificate};`)
    .replaceAll(/ssl_certificate_key .*;/g, `ssl_certificate_key ${key};`);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `  ${name}_temp_path ${join(folder, "temp", name)};`,
  );
  const main = join(folder, "nginx.conf");
  writeFileSync(join(folder, "site.conf"), local);
  const user = process.getuid?.() === 0 ? "user root;" : "";
  const lines = [
    ...[user, `pid ${join(folder, "pid")};`, "worker_processes 1;", "daemon off;", "events {}", "http {"],
    ...[
      "  access_log off;",
      "  types { text/html html; }",
      ...temporary,
      `  include ${join(folder, "site.conf")};`,
      "}",
    ],
  ];
  writeFileSync(main, `${lines.join("\n")}\n`);
  const words = [nginx, "-e", join(folder, "error.log"), "-c", main];

  return {
    /** What `nginx -t` says, and whether it is content. */
    check() {
      const { exitCode, stderr } = Bun.spawnSync([...words, "-t"]);
      return { isGood: exitCode === 0, said: stderr.toString() };
    },
    async start() {
      const child = Bun.spawn(words, { stdout: "ignore", stderr: "pipe" });
      const answers = () =>
        fetch(`http://127.0.0.1:${ports.http}/`, { redirect: "manual" }).then(
          () => true,
          () => false,
        );
      await until(answers, "nginx to answer");
      return async () => {
        child.kill("SIGTERM");
        await child.exited;
      };
    },
  };
}
