/** What `maskstream publish` does, for the overview of all commands and its own help. */
export const publishSummary =
  'Sends cameras, files and pipes to a server as they are encoded, and prints what it finds as lines of JSON.';
