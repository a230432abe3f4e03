export const KIB = 1024;
