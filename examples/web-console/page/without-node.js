// In place of modules of Node: what is made from them while the ssh library is loaded, and never used in a page.
export class Duplex {}
