/** The package comes without types. */
declare module 'html-encoding-sniffer' {
  /** The encoding's WHATWG name by the HTML standard's sniffing algorithm, else `defaultEncoding`. */
  export default function htmlEncodingSniffer(
    bytes: Uint8Array,
    options?: { transportLayerEncodingLabel?: string; defaultEncoding?: string },
  ): string
}
