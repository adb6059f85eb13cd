//! Which packages a request comes to, and why.
