//! Turns requests into answers: routes, extractors, limits, headers; thin.
