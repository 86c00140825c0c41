/** A file's text without the byte order mark that editors of Windows begin files with. */
export const withoutMark = (text: string): string => text.replace(/^\uFEFF/, '')
