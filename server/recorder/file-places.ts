/**
 * Room for open segments among the descriptors that this process may have. Without it a recorder with too many streams would take the last one,
 * and neither page nor catalogue nor workers could open anything.
 */
export type FilePlaces = {
  /** False if there is no room; each true has to be given back. */
  take(): boolean;
  giveBack(): void;
};

/** Room for so many open segments at once. */
export function createFilePlaces(most: number): FilePlaces {
  let taken = 0;
  return {
    take() {
      if (taken >= most) return false;
      taken++;
      return true;
    },
    giveBack() {
      taken--;
    },
  };
}
