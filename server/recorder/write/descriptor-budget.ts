/**
 * Room for open segments among the descriptors that this process may have. Without it a recorder with too many streams would take the last one,
 * and neither page nor catalogue nor workers could open anything.
 */
export type DescriptorBudget = {
  /** False if there is no room; each true has to be given back. */
  take(): boolean;
  giveBack(): void;
  /** How many were refused since the last call. */
  missed(): number;
};

/** Room for so many open segments at once; `onFree`: one was given back after another was refused. */
export function createDescriptorBudget(most: number, onFree: () => void): DescriptorBudget {
  let taken = 0;
  let missed = 0;
  let isShort = false;
  return {
    take() {
      if (taken < most) {
        taken++;
        return true;
      }
      missed++;
      isShort = true;
      return false;
    },
    giveBack() {
      taken--;
      if (!isShort) return;
      isShort = false;
      onFree();
    },
    missed() {
      const count = missed;
      missed = 0;
      return count;
    },
  };
}
