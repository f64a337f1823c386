/** ffmpeg's own lines are far shorter; a tag of the input may be printed as one line of megabytes. */
const maxLineLength = 4096;

/** Cuts text that comes in pieces into lines; what is longer than a log line is cut off there. */
export function splitLines(onLine: (line: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      onLine((rest + text.slice(start, end)).slice(0, maxLineLength));
      rest = '';
      start = end + 1;
    }
    rest = (rest + text.slice(start)).slice(0, maxLineLength);
  };
}
