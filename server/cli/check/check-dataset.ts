import { resolve } from "node:path";
import { reportDataset } from "../../dataset/dataset-report.ts";
import { messageOf } from "../../platform/errors.ts";
import { type CheckFinding, failed, ok, type Probe, skipped } from "./finding.ts";

/** Checks that the tables of the dataset can be read, and that they have the form of numbers that the config wants. */
export const checkDataset: Probe = async ({ record, dataset, upload }) => {
  if (!dataset.enabled) return [skipped("dataset.tables", "not set up (dataset.enabled)")];
  const advice = "stop the recorder, then: rt-data dataset --rebuild";
  try {
    const { tables, due } = await reportDataset(resolve(record.data_dir), dataset.numbers);
    const other = tables.find(({ numbers }) => numbers !== null && numbers !== dataset.numbers);
    if (other !== undefined) {
      const detail = `${other.table} has ${other.numbers} numbers, and dataset.numbers is ${dataset.numbers}: new days cannot be added`;
      return [failed("dataset.tables", detail, advice)];
    }
    const where = dataset.upload && upload.endpoint !== "" ? "here and in the bucket" : "on this disk";
    const waiting = due.days.length === 0 ? "" : `; ${due.days.length} archived days are still to be written`;
    const found: CheckFinding = ok("dataset.tables", `${tables.length} tables ${where}${waiting}`);
    return [found];
  } catch (error) {
    return [failed("dataset.tables", messageOf(error), advice)];
  }
};
