/**
 * Limits the open segments, so that file descriptors remain for the page, the catalogue and the workers. Without the limit a recorder with
 * too many streams would use the last descriptor.
 */
export type DescriptorBudget = {
  /** Takes a descriptor; false if all are taken. Each taken descriptor must be given back. */
  acquire(): boolean;
  giveBack(): void;
  /** Returns how many requests were refused since the last call, and resets the count. */
  missed(): number;
};

/** Creates a budget of `most` open segments. Calls `onFree` when a descriptor is given back after a refusal. */
export function createDescriptorBudget(most: number, onFree: () => void): DescriptorBudget {
  let taken = 0;
  let missed = 0;
  let isShort = false;
  return {
    acquire() {
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
