#pragma once

namespace toy {

/// ThreadSanitizer delays signals and can not follow a fork of a threaded process.
inline constexpr bool under_tsan =
#if defined(__SANITIZE_THREAD__)
    true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
    true;
#else
    false;
#endif
#else
    false;
#endif

}  // namespace toy
