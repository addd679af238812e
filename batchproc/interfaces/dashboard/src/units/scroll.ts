// Where one is in a list that may be higher than browsers let an element be. Pure.
//
// Every row has its place in a virtual list. Up to TALLEST the real element is as high, and both are the same. Above it,
// small steps move the virtual list by as much as the real one, and a jump (the scrollbar was dragged) goes to the same
// part of it; `settled` brings both together again when the scrolling rests, or has come to an end of the real one.

export const TALLEST = 12_000_000; // Firefox stops at some 17.8 million pixels, others above that

export interface Space {
  rows: number;
  /** Of one row, in pixels. */
  height: number;
  /** What is seen of the list at a time, in pixels. */
  view: number;
}

export interface Place {
  virtual: number;
  real: number;
}

export function realHeight({ rows, height }: Space): number {
  return Math.min(rows * height, TALLEST);
}

function reach(space: Space): number {
  return Math.max(0, space.rows * space.height - space.view);
}

/** Virtual pixels for each real one. */
function ratio(space: Space): number {
  return reach(space) / Math.max(1, realHeight(space) - space.view);
}

function isScaled(space: Space): boolean {
  return space.rows * space.height > TALLEST;
}

/** The place after the real list was scrolled. */
export function moved(space: Space, from: Place, real: number): Place {
  if (!isScaled(space)) return { virtual: real, real };
  const step = real - from.real;
  const virtual = Math.abs(step) < space.view ? from.virtual + step : real * ratio(space);
  return { virtual: clamp(virtual, reach(space)), real };
}

/** The place of a virtual pixel, with the real list where it belongs. */
export function placed(space: Space, virtual: number): Place {
  const at = clamp(virtual, reach(space));
  return { virtual: at, real: isScaled(space) ? Math.round(at / ratio(space)) : at };
}

/** Whether the real list has come to an end, and the virtual one has not. */
export function isAtFalseEnd(space: Space, at: Place): boolean {
  if (!isScaled(space)) return false;
  const end = realHeight(space) - space.view;
  return (at.real <= 0 && at.virtual > 0) || (at.real >= end - 1 && at.virtual < reach(space) - 1);
}

/** The place from which a row is seen; the same if it is seen already. */
export function showing(space: Space, at: Place, row: number): number {
  const top = row * space.height;
  if (top < at.virtual) return top;
  if (top + space.height > at.virtual + space.view) return top + space.height - space.view;
  return at.virtual;
}

function clamp(value: number, most: number): number {
  return Math.max(0, Math.min(most, value));
}
