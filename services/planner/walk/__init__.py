"""From findings to ranked candidates: pain proposes, palpation confirms, movement tells which length is lost."""
