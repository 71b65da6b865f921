"""The body chart: authored points, the script that draws them, and the drawing that the console loads."""
