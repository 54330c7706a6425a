import { asyncFiles, type Files } from "./files.ts";

function promised<Name extends keyof Files["async"]>(name: Name): Files["async"][Name] {
  return ((...parameters: readonly never[]) =>
    (asyncFiles()[name] as (...all: readonly never[]) => unknown)(...parameters)) as Files["async"][Name];
}

export const appendFile = promised("appendFile");
export const copyFile = promised("copyFile");
export const mkdir = promised("mkdir");
export const open = promised("open");
export const readFile = promised("readFile");
export const readdir = promised("readdir");
export const rename = promised("rename");
export const rm = promised("rm");
export const rmdir = promised("rmdir");
export const stat = promised("stat");
export const statfs = promised("statfs");
export const unlink = promised("unlink");
