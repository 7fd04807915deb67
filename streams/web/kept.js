// The last list, kept on the phone: shown at once while the network is slow, and where there is none.

const KEY = "loupan.tasks";

/** Keeps the day; a full or closed storage costs the quick start, nothing else. */
export function keep(day) {
  try {
    localStorage.setItem(KEY, JSON.stringify(day));
  } catch {
    // as said
  }
}

/** The day as it was kept, or null. */
export function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "null");
    return kept && Array.isArray(kept.tasks) && kept.day && kept.clock ? kept : null;
  } catch {
    return null; // what can't be read is read anew
  }
}

/** Forgets it: somebody else uses this phone now. */
export function forget() {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // as above
  }
}
