/** How flags name a feature set. */
export const SET_HELP = 'pix-core, a path to a .yaml file, or NAME[@VERSION]';
