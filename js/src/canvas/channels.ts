/** Colours as the channels of pixels. */

/** A colour as an RGBA word in the machine's byte order. */
export const packed = (red: number, green: number, blue: number, alpha: number): number =>
  new Uint32Array(Uint8Array.of(red, green, blue, alpha).buffer)[0];

/** The red, green and blue of #rrggbb. */
export function channelsOf(colour: string): [red: number, green: number, blue: number] {
  const n = Number.parseInt(colour.slice(1), 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
}
