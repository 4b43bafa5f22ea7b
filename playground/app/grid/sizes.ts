/** Heights of a grid's parts; `grid.css` has them, too. */
export const ROW_PX = 32;
export const HEADER_PX = 44;
