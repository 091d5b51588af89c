/** What `pnpm parity` needs of Debian. */

/** Documentation that has notebooks: downloaded, and not installed. */
export const notebooks: ReadonlyArray<string> = [
  "python-statsmodels-doc",
  "python-sympy-doc",
  "python-lmfit-doc",
  "python-xarray-doc",
  "python-pandas-doc",
  "python-nbsphinx-doc",
  "python-notebook-doc",
  "python-nbconvert-doc",
  "python-pint-doc",
  "python-sphinx-gallery-doc",
  "python-sklearn-doc",
  "python-skimage-doc"
]

/** What the notebooks import, and ipykernel. */
export const libraries: ReadonlyArray<string> = [
  "python3-ipykernel",
  "python3-jupyter-client",
  "python3-matplotlib",
  "python3-pandas",
  "python3-scipy",
  "python3-sympy",
  "python3-statsmodels",
  "python3-sklearn",
  "python3-skimage",
  "python3-lmfit",
  "python3-xarray",
  "python3-seaborn",
  "python3-pint"
]

/** Notebooks of fewer cells cost more to start than they tell. */
export const fewestCells = 8
