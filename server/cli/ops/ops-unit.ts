import { resolve } from "node:path";
import unit from "../../../ops/systemd/rt-data.service" with { type: "text" };
import { type Config, secretKeys } from "../../config/config.ts";
import { OperatorError } from "../../platform/errors.ts";
import { fill } from "./ops-site.ts";

/** Where a service keeps its state by itself; a data folder elsewhere has to be opened to it. */
const stateDir = "/var/lib/rt-data";
/** What ProtectHome hides. */
const homes = ["/home", "/root", "/run/user"];

/** The unit of a recorder with this config, for a user and an executable. Throws an OperatorError for names that no unit can hold. */
export function unitOf(config: Config, { user, executable }: { user: string; executable: string }): string {
  if (!/^[a-z_][a-z0-9_-]{0,30}$/.test(user))
    throw new OperatorError(`--user ${JSON.stringify(user)} is no name of a user; give one such as rt-data`);
  if (!executable.startsWith("/"))
    throw new OperatorError(`--executable ${JSON.stringify(executable)} is no whole path; give ${resolve(executable)}`);
  // systemd takes no other characters in the name of a program, and our own upgrade starts it by its name as typed.
  if (/["'\\$]/.test(executable))
    throw new OperatorError(
      `--executable ${JSON.stringify(executable)} has a quotation mark, a backslash or a dollar sign, which systemd does not take; choose another path`,
    );
  // What is relative is so to the service's own folder.
  const dataDir = resolve(stateDir, config.record.data_dir);
  return fill(unit, {
    user,
    executable: quoted(executable),
    // In the words of a command, and only there, a dollar sign begins a variable.
    config: quoted(config.file === null ? "/etc/rt-data/rt-data.toml" : resolve(config.file)).replaceAll("$", "$$$$"),
    data_dir: quoted(dataDir),
    writable: writable(dataDir),
    credentials: secretKeys.map(credential).join("\n"),
  });
}

function writable(dataDir: string): string {
  const isIn = (folder: string) => dataDir === folder || dataDir.startsWith(`${folder}/`);
  if (isIn(stateDir)) return "ProtectHome=yes";
  if (homes.some(isIn)) return `ProtectHome=tmpfs\nBindPaths=${quoted(dataDir)}`;
  return `ProtectHome=yes\nReadWritePaths=${quoted(dataDir)}`;
}

/** Two lines that hand one secret over: the name of its file is that of the setting. */
function credential(key: string): string {
  const name = key.replace(".", "_");
  const variable = `RT_DATA_${name.toUpperCase()}_FILE`;
  return `LoadCredential=${name}:/etc/rt-data/credentials/${name}\nEnvironment=${variable}=/run/credentials/rt-data.service/${name}`;
}

/** A path as systemd.syntax(7) wants it: % is a specifier, a space ends a word, a backslash begins an escape. */
function quoted(path: string): string {
  if (/[\p{Cc}\p{Cs}]/u.test(path))
    throw new OperatorError(`${JSON.stringify(path)} has characters that no unit can hold; choose another path`);
  const escaped = path.replaceAll("%", "%%");
  return /^[\w@%+=:,./-]*$/.test(escaped) ? escaped : `"${escaped.replaceAll(/["\\]/g, "\\$&")}"`;
}
