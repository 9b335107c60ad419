/** Names a server in its cluster: a whole number, 1 .. 65,535, unique, and never reused for another data folder. An address is not an identity. */
export type ServerId = number;

export const SERVER_ID_MAX = 65_535;
