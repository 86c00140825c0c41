// The page stands beside this file as it is finished.
export {}
