/** Names of tools that only certain images offer. */

/** Tools of browser images. */
export const browserTools: ReadonlyArray<string> = [
  "stopChrome",
  ...[
    "navigate",
    "screenshot",
    "act",
    "act_async",
    "get_act_result",
    "observe",
    "observe_async",
    "get_observe_result",
    "extract",
    "extract_async",
    "get_extract_result",
    "close_session"
  ].map((name) => `page_use_${name}`)
]

/** Tools of desktop images. */
export const desktopTools: ReadonlyArray<string> = [
  ...["click_mouse", "move_mouse", "drag_mouse", "scroll", "get_cursor_position"],
  ...["input_text", "press_keys", "release_keys"],
  ...["list_root_windows", "get_active_window", "resize_window", "focus_mode"],
  ...["activate", "close", "maximize", "minimize", "restore", "fullscreen"].map((name) => `${name}_window`),
  ...["start_app", "list_visible_apps", "get_installed_apps"],
  ...["stop_app_by_pname", "stop_app_by_pid", "stop_app_by_cmd"],
  ...["get_screen_size", "system_screenshot", "screenshot"]
]
