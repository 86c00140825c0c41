// The writers stand beside this file as they are finished.
export {}
