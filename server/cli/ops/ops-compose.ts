import compose from "../../../ops/docker/compose.yaml" with { type: "text" };
import { type Config, changedKeys, environmentOf, loadConfig } from "../../config/config.ts";
import { OperatorError } from "../../platform/errors.ts";
import { version } from "../../platform/process/version.ts";

/** Settings that the image or its port mapping fixes. */
const fixed = ["RT_DATA_RECORD_DATA_DIR", "RT_DATA_HTTP_HOST", "RT_DATA_HTTP_PORT"];

/** Settings that are shown even with their defaults, as in the file. */
const shown = ["RT_DATA_RECORD_SYMBOLS", "RT_DATA_RECORD_STREAMS"];

/** Returns the compose file for a config, with this version's image unless another is given. @throws OperatorError for a wrong name */
export function composeOf(config: Config, image = `rt-data:${version.replaceAll("+", "-")}`): string {
  if (!/^\w[\w.:/@-]*$/.test(image))
    throw new OperatorError(
      `--image ${JSON.stringify(image)} is not the name of an image; give a name such as rt-data:1.2.3`,
    );
  const settings = settingsOf(config).map((line) => `      ${line}\n`);
  return compose
    .replaceAll("rt-data:latest", image)
    .replaceAll("8000:8000", `${config.http.port === 0 ? 8000 : config.http.port}:8000`)
    .replace(/(?: +RT_DATA_RECORD_\w+: .*\n)+/, () => settings.join(""));
}

/** Returns the settings that differ from the defaults. Compose reads `$$` as a dollar sign. */
function settingsOf(config: Config): readonly string[] {
  const defaults = loadConfig(null, {}, {});
  const changed = defaults.ok ? changedKeys(defaults.config, config) : [];
  const isShown = (variable: string) => shown.includes(variable) || changed.some((key) => variableOf(key) === variable);
  return environmentOf(config)
    .filter(([variable]) => !fixed.includes(variable) && isShown(variable))
    .map(([variable, text]) => `${variable}: ${JSON.stringify(text).replaceAll("$", "$$$$")}`);
}

function variableOf(key: string): string {
  return `RT_DATA_${key.replaceAll(".", "_").toUpperCase()}`;
}
