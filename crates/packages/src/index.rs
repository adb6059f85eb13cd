//! The packages of a suite: `Packages`, in any of its compressions.
